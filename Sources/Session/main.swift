import Glibc
import System

// Started by the supervisor as the account, with the control socket as descriptor 3.
do {
  try Hardening.forbidInspection()
  SignalSource.ignoreBrokenPipes()
  try SessionProcess(control: MessageSocket(Descriptor(owning: 3))).run()
} catch {
  // Standard error is /dev/null unless a person typed this.
  try? Descriptor(owning: 2).writeAll(Array("bssh-session: \(error)\n".utf8))
  exit(70)
}
