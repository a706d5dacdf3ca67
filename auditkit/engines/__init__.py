"""Who reads records and answers SQL over tables: the embedded engine, DuckDB."""
