"""Video files: opening what nobody vouches for, and reading frames of it."""
