"""The methods of the REST API, a file for each."""
