"""The version of wsgeo; it stands in everything that wsgeo writes."""

__version__ = "0.1.0"
