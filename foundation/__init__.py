"""The ground under every floor: errors, frozen records, the artifact record, the cache's place.

Every package may import this one; it imports none of them, and neither torch nor a runtime.
"""
