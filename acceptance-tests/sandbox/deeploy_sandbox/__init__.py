"""A sandbox AWS: moto, mended where it is more lenient than AWS's documentation."""
