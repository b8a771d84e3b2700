"""Rules to come."""


def enforce(call):
    return None
