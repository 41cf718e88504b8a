import Testing

/// The daemon, driven by real clients, one test after the other: one test is enough to keep two processors busy.
@Suite(.serialized) struct Interop {}

/// For tests that need accounts of their own.
let needsRoot = "needs root: it makes accounts, and looks at processes of others"
