"""What the operating system and systemd are asked."""
