"""What is known of rows beside inputs and targets, and how they are parted by it."""
