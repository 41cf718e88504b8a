/// Limit of a message in bytes; equal to `MessageSocket.limit`.
let messageSize = 160 << 10

/// Limit of the values in a list that is otherwise limited only by the size of its message.
let listSize = 16_384
