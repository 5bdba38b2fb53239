"""What is asked of tables: how they are read, prepared, and what stands beside their networks."""
