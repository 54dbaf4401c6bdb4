"""Whether an endpoint serves a model as its card says, found out before anything is compared."""
