"""The OpenAPI description of the REST API, made from its methods, and the page to read it."""
