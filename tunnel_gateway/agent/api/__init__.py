"""The API that pages call: its sockets, its functions, and the pages that may call them."""
