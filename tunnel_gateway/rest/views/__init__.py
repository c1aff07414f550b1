"""The views of the REST API: dataclasses in, fields of JSON out."""
