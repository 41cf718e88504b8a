import Audit

extension Supervisor {
  /// Applies new settings to the services for events, recordings and login records.
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

  /// Reports a request of an administrator.
  func asked(_ what: AdminRequest, _ by: String) {
    var fact = Fact(.adminAction)
    (fact.reason, fact.details) = (Reason(what), by)
    audit.record(fact)
  }
}
