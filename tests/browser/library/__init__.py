"""The page's library, web/, in real browsers."""
