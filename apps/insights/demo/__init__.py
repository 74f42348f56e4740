"""The demonstration: accounts and the example shop, loaded through the same services as everybody's data."""
