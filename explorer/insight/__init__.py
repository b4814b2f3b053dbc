"""What a group of items is, in words."""
