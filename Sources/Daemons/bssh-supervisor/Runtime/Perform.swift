import Wire

/// Performs actions of a state machine in order. Actions that follow from one come behind those that wait.
///
/// - Parameter perform: performs an action, and returns what the machine says to its outcome.
func performInOrder<Action>(_ actions: [Action], _ perform: (Action) -> [Action]) {
  var left = FIFO(actions)
  while let action = left.popFirst() { left.append(contentsOf: perform(action)) }
}
