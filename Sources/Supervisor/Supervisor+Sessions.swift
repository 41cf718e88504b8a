import Audit
import Glibc
import IPC
import System
import Wire

extension Supervisor {
  /// Starts a session process that reads an account's keys.
  func startLookUp(_ connection: Connection, _ account: Account, _ paths: [String]) {
    do throws(SystemError) {
      // Made here, and sealed when it is written: the process that writes is the user's.
      let memory = try Descriptor.memory(name: "authorized_keys", size: KeyFile.totalLimit)
      let child = try startSession(connection, account)
      connection.keyMemory = memory
      runtime.send(SupervisorToSession.lookUp(paths: paths, home: account.home), [memory], to: child)
    } catch {
      post(.sessionFailed("\(error)"), to: connection.number)
    }
  }

  /// Starts a process that looks an account up, and stays root for that.
  func startAccountCheck(_ connection: Connection, _ question: AccountQuestion) {
    do throws(SystemError) {
      let child = try sessionZygotes.make(nil)
      child.connection = connection.number
      connection.accountCheck = child
      runtime.send(SupervisorToSession.checkAccount(question), to: child)
    } catch {
      runtime.log(.error, "[\(connection.number)] shadow(5) cannot be read: \(error)")
      post(.accountChecked(nil), to: connection.number)
    }
  }

  /// Kills the process that reads shadow(5), if there is one.
  func killAccountCheck(_ connection: Connection) {
    connection.accountCheck?.signal(SIGKILL)
    connection.accountCheck = nil
  }

  /// A message of the process that reads shadow(5): the only one.
  private func takeFromAccountCheck(_ bytes: [UInt8], _ descriptors: [Descriptor], _ connection: Connection) {
    guard descriptors.isEmpty, case .account(let state)? = try? SessionToSupervisor(wireBytes: bytes[...]) else {
      runtime.log(.error, "[\(connection.number)] the process that reads shadow(5) sent something else: killed")
      killAccountCheck(connection)
      return post(.accountChecked(nil), to: connection.number)
    }
    connection.accountCheck = nil
    post(.accountChecked(state), to: connection.number)
  }

  /// Gives a login to a session process, and tells the transport.
  func openSession(_ connection: Connection, _ login: Login, _ promoting: Bool) {
    let user = connection.machine.authentication.user ?? login.account.name
    guard journal.admits(user) else { return post(.journalRefused, to: connection.number) }
    guard sessionCounts.enter(user, limit: connection.machine.sessionLimit) else {
      return post(.sessionRefused(open: sessionCounts.count(of: user)), to: connection.number)
    }
    connection.countedUser = user
    do throws(SystemError) {
      let child: Child
      if promoting, let waiting = connection.session {
        child = waiting
      } else {
        killSession(connection)
        child = try startSession(connection, login.account)
      }
      let (sessionEnd, transportEnd) = try MessageSocket.pair()
      child.hasLogin = true
      child.isRoot = login.account.uid == 0
      var login = login
      login.awaitsScope = scopes.wants(child, login.account)
      let message = SecretBytes(encoding: SupervisorToSession.login(login))
      if message.count <= MessageSocket.limit {
        runtime.send(message, [sessionEnd.descriptor], to: child)
      } else {
        let memory = try Descriptor.sealedMemory(name: "login", login.wireBytes)
        runtime.send(SupervisorToSession.longLogin, [sessionEnd.descriptor, memory], to: child)
      }
      tell(connection, .authentication(.success), [transportEnd.descriptor])
      // Messages to it go on; those of it wait as others do.
      if journal.isHolding { hold(child) }
      post(.sessionOpened(.random()), to: connection.number)
    } catch {
      post(.sessionFailed("\(error)"), to: connection.number)
    }
  }

  private func startSession(_ connection: Connection, _ account: Account) throws(SystemError) -> Child {
    let identity = ForkIdentity(uid: account.uid, gid: account.gid, groups: account.groups)
    let child = try sessionZygotes.make(isRoot ? identity : nil)
    child.connection = connection.number
    connection.session = child
    return child
  }

  /// Kills the session process of a connection; its end says nothing about the connection any more.
  func killSession(_ connection: Connection) {
    connection.session?.signal(SIGKILL)
    connection.session = nil
  }

  /// The transport is gone: a login hangs up by itself, in time.
  func endSession(_ connection: Connection) {
    guard let child = connection.session else { return }
    guard child.hasLogin else { return killSession(connection) }
    guard runtime.children[child.number] != nil, !runtime.hasTimer(.kill(child.number)) else { return }
    runtime.setTimer(.kill(child.number), after: ProcessRuntime.endTime)
  }

  /// A message of a session process.
  func takeFromSession(_ bytes: [UInt8], _ descriptors: [Descriptor], _ child: Child) {
    guard let number = child.connection else { return }
    if let connection = connections[number], connection.accountCheck === child {
      return takeFromAccountCheck(bytes, descriptors, connection)
    }
    guard let connection = connections[number], connection.session === child else {
      return takeLastWords(bytes, child, of: number)
    }
    let message: SessionToSupervisor
    do throws(WireError) {
      message = try SessionToSupervisor(wireBytes: bytes[...])
    } catch {
      return post(.sessionMisbehaved("sent a message that cannot be read"), to: number)
    }
    guard descriptors.isEmpty else { return post(.sessionMisbehaved("sent a descriptor"), to: number) }
    if case .keys(let files) = message, let fault = sealKeys(files, connection) {
      return post(.sessionMisbehaved(fault), to: number)
    }
    if case .facts(let batch) = message { for fact in batch.facts { child.commands.handle(fact) } }
    if case .starts(_, let fact) = message, child.hasLogin, !commandStarts(fact, child) {
      return post(.sessionMisbehaved("told of a start that there cannot be"), to: number)
    }
    post(.session(message), to: number)
  }

  /// Nobody changes what was looked up any more. Returns what the process did that it may not do.
  private func sealKeys(_ files: [KeyFile], _ connection: Connection) -> String? {
    let total = files.reduce(0) { $0 + Int($1.length) }
    guard total <= KeyFile.totalLimit else { return "told of more keys than there can be" }
    guard let memory = connection.keyMemory else { return "answered without a question" }
    do throws(SystemError) { try memory.seal() } catch {
      return "has its hands on the keys that it looked up: \(error)"
    }
    return nil
  }

  /// A login whose connection is over hangs up what it runs, and tells what came of it.
  private func takeLastWords(_ bytes: [UInt8], _ child: Child, of number: UInt64) {
    guard child.hasLogin, let subject = child.lastWords.first?.subject else { return }
    switch try? SessionToSupervisor(wireBytes: bytes[...]) {
    case .note(let text): runtime.log(.info, "[\(number)] session: \(text)")
    case .facts(let batch):
      for fact in batch.facts where fact.type.isToldInBatches {
        child.commands.handle(fact)
        audit.record(ConnectionMachine.told(fact), of: subject, number)
      }
      throttle(child, subject.user)
    case .starts(let start, let fact):
      guard commandStarts(fact, child) else { return }
      audit.record(fact, of: subject, number)
      journal.awaitStart(start, of: child, user: child.subject.user ?? "")
      throttle(child, subject.user)
    // Its terminals have ended in the login records with the connection.
    case .keys, .account, .terminal, nil: return
    }
  }

  /// A login is over, now that its process has told everything.
  func tellLastWords(of child: Child) {
    let words = child.lastWords
    child.lastWords = []
    for (fact, subject) in words { audit.record(fact, of: subject, child.connection) }
  }

  /// A session process has ended.
  func sessionEnded(_ child: Child, _ status: ExitStatus) {
    guard let number = child.connection else { return }
    if let connection = connections[number], connection.accountCheck === child {
      connection.accountCheck = nil
      runtime.log(.error, "[\(number)] the process that reads shadow(5) \(status) without an answer")
      return post(.accountChecked(nil), to: number)
    }
    // After a hand-over it is not known how a process ended: what it has told says whether it ended well.
    let isExpected = status == .code(0) || (status == .unknown && child.sentSignal == nil)
    recordLoss(of: child, child.loss ?? SessionLoss(status, isOurs: child.sentSignal != nil), isExpected: isExpected)
    if let connection = connections[number], connection.session === child {
      connection.session = nil
      return post(.sessionEnded(status), to: number)
    }
    if child.hasLogin { runtime.log(.debug, "[\(number)] its session process \(status)") }
    tellLastWords(of: child)
  }
}
