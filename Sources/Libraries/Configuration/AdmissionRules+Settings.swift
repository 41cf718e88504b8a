import AccessControl

extension Settings {
  /// The rules for new connections.
  public var admissionRules: AdmissionControl.Rules {
    let rate =
      security.connectionsPerSecond > 0
      ? TokenBucket.Rate(perSecond: security.connectionsPerSecond, burst: security.connectionBurst) : nil
    return AdmissionControl.Rules(
      gate: ConnectionGate(allowed: security.allowedIPs, blocked: security.blockedIPs),
      whitelist: RangeTrie(security.whitelistIPs),
      sources: SourceTable.Limits(
        rate: rate, failures: security.maxAuthAttempts, keyFailures: security.maxKeyFailures,
        window: Int64(security.authWindow) * 1000,
        banTime: Int64(security.banTime) * 1000, banFactor: Int64(security.banFactor),
        maxBanTime: Int64(max(security.banMax, security.banTime)) * 1000),
      starts: StartLimiter.Limits(
        total: min(server.maxUnauthenticated, server.maxConnections), perSource: server.maxUnauthenticatedPerSource),
      connections: server.maxConnections)
  }
}
