import System
import Testing

@testable import Server

@Suite struct ArgumentsTests {
  private func complaint(_ words: String...) -> String? {
    do throws(Failure) {
      _ = try Arguments(words)
      return nil
    } catch { return error.code == .usage ? error.lines[0] : "\(error)" }
  }

  @Test func `the default command is run`() throws {
    #expect(try Arguments([]).command == .run)
    #expect(try Arguments(["-p", "22"]).command == .run)
    #expect(try !Arguments(["-p", "22"]).isCommandNamed)
  }

  @Test(arguments: Command.allCases)
  func `every command is recognized by its name`(command: Command) throws {
    #expect(try Arguments(command.rawValue.split(separator: " ").map(String.init)).command == command)
  }

  @Test func `options precede or follow the command, separately or combined`() throws {
    let words = [
      "-c", "a.yaml", "-b10.0.0.1", "check-config", "--port=22", "-k", "k1", "--host-key", "k2", "-Dvv", "-v",
      "--pid-file", "p",
    ]
    let arguments = try Arguments(words)
    #expect(arguments.command == .checkConfig)
    #expect(arguments.value("config") == "a.yaml")
    #expect(arguments.values["bind-address"] == ["10.0.0.1"])
    #expect(arguments.value("port") == "22")
    #expect(arguments.values["host-key"] == ["k1", "k2"])
    #expect(arguments.has("foreground"))
    #expect(arguments.flags["verbose"] == 3)
    #expect(arguments.value("pid-file") == "p")
  }

  @Test func `unknown arguments are named`() {
    #expect(complaint("rnu") == "bssh-server: unknown command 'rnu'; did you mean 'run'?")
    #expect(complaint("check_config") == "bssh-server: unknown command 'check_config'; did you mean 'check-config'?")
    #expect(complaint("xyzzy") == "bssh-server: unknown command 'xyzzy'")
    #expect(complaint("--pord", "1") == "bssh-server: unknown option '--pord'; did you mean '--port'?")
    #expect(complaint("-x") == "bssh-server: unknown option '-x'")
    #expect(complaint("-Dx") == "bssh-server: unknown option '-x'")
    #expect(complaint("--") == "bssh-server: unknown command '--'")
    #expect(complaint("totp-setup", "anna", "bert") == "bssh-server: 'bert' is an unexpected argument")
    #expect(complaint("run", "now") == "bssh-server: 'now' is an unexpected argument")
    #expect(complaint("-p") == "bssh-server: -p needs a value: -p PORT")
    #expect(complaint("--port") == "bssh-server: --port needs a value: --port PORT")
    #expect(complaint("--port=") == "bssh-server: the value of --port is empty")
    #expect(complaint("--foreground=yes") == "bssh-server: --foreground takes no value")
    #expect(complaint("-p", "1", "-p", "2") == "bssh-server: -p is given twice")
    #expect(complaint("-D", "-D") == "bssh-server: -D is given twice")
  }

  @Test func `an option of another command is refused`() {
    #expect(complaint("gen-config", "--bits", "22") == "bssh-server: --bits is not an option of 'gen-config'")
    #expect(complaint("--bits", "4096", "run") == "bssh-server: --bits is not an option of 'run'")
    #expect(complaint("gen-config", "--bits", "22", "--help") == nil)
  }

  @Test func `the supervisor gets an absolute path`() throws {
    let arguments = try Arguments(["-c", "./c.yaml"])
    let words = RunCommand.supervisorArguments(arguments, ConfigurationFile(arguments), "/sbin/bssh-server")
    #expect(words.last == (ProcessEnvironment.directory ?? "") + "/c.yaml")
  }

  @Test func `the supervisor gets the options that it needs to reload`() throws {
    let arguments = try Arguments(["-c", "/c.yaml", "-p", "22", "-k", "/a", "-k", "/b", "-Dv", "--pid-file", "/p"])
    let words = RunCommand.supervisorArguments(arguments, ConfigurationFile(arguments), "/sbin/bssh-server")
    #expect(
      words == [
        "bssh-supervisor", "--log-level", "7", "--foreground", "--pid-file", "/p", "--", "/sbin/bssh-server", "-c",
        "/c.yaml", "-p", "22", "-k", "/a", "-k", "/b",
      ])
  }

  @Test(arguments: [("-Dc/c.yaml", nil), ("-Dqc/c.yaml", "4"), ("-Dvqc/c.yaml", "7")])
  func `without -v and -q the configuration sets the log level`(words: String, level: String?) throws {
    let arguments = try Arguments([words])
    let words = RunCommand.supervisorArguments(arguments, ConfigurationFile(arguments), "/sbin/bssh-server")
    let expected = ["bssh-supervisor"] + (level.map { ["--log-level", $0] } ?? [])
    #expect(words == expected + ["--foreground", "--", "/sbin/bssh-server", "-c", "/c.yaml"])
  }
}
