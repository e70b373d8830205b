import ProxyWasm

register(Gate.self)
