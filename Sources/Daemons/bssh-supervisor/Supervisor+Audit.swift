import Audit

extension Supervisor {
  /// What is recorded from now on, and where to, after the settings have changed.
  func applyAuditSettings() {
    audit.apply(loaded)
    if journal.isEnding(with: loaded) {
      var fact = Fact(.configurationLoaded)
      fact.details = "audit.enabled is false: nothing more is written here"
      audit.record(fact)
    }
    journal.apply(loaded)
    exporters.apply(loaded)
  }

  /// Somebody who may told the daemon to do something.
  func asked(_ what: AdminRequest, _ by: String) {
    var fact = Fact(.adminAction)
    (fact.reason, fact.details) = (Reason(what), by)
    audit.record(fact)
  }
}
