class Store: pass
class StoreError(Exception): pass
