"""Where a model's commands run: Docker, bubblewrap or a fake, behind one protocol."""
