"""How sure an exported model may be: found out on rows that it has not seen."""
