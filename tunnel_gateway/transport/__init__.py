"""asyncio around the protocol; shared by gateway and agent."""
