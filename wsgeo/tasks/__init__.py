"""On what data a loss is measured: readers, label maps, encoded examples."""
