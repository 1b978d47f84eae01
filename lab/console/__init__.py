"""What the console's page has of others: fetched by its pin, checked, put beside our own files."""
