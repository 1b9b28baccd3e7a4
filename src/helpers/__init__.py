"""What the notebooks share: data, statistics, charts, results, and the making of the report."""
