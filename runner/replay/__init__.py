"""What a run left on disk, looked at again: recomputed, replayed, audited."""
