"""Networks that are taken away: written, listed, asked, served."""
