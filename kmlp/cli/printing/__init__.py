"""What commands print: tables, scores, predictions."""
