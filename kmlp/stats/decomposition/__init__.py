"""What variance and error consist of: samples, seeds, bias."""
