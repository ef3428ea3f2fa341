"""Regions of weight space and their centroids."""
