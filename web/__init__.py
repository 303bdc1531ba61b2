"""HTTP and WebSocket faces: the control plane, the dashboard feed, the local exchange."""
