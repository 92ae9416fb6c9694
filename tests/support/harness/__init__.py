"""What the integration tests are made of: real programs, started by the test and ended by it."""
