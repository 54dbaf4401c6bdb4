"""Makes trials happen: knows Docker, git and HTTP; never imports reports."""
