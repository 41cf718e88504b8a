import IPC
import Wire

/// Message numbers of RFC 4250 (section 4.1.2) that a transport sends or handles.
enum MessageNumber {
  static let disconnect: UInt8 = 1
  static let serviceRequest: UInt8 = 5
  static let serviceAccept: UInt8 = 6
  static let newKeys: UInt8 = 21
  static let userauthRequest: UInt8 = 50
  static let userauthFailure: UInt8 = 51
  static let userauthBanner: UInt8 = 53
  static let userauthPublicKeyOK: UInt8 = 60
  static let userauthInfoResponse: UInt8 = 61
  static let globalRequest: UInt8 = 80
  static let requestSuccess: UInt8 = 81
  static let requestFailure: UInt8 = 82
  static let channelOpen: UInt8 = 90
  static let channelOpenConfirmation: UInt8 = 91
  static let channelOpenFailure: UInt8 = 92
  static let channelWindowAdjust: UInt8 = 93
  static let channelData: UInt8 = 94
  static let channelExtendedData: UInt8 = 95
  static let channelEOF: UInt8 = 96
  static let channelClose: UInt8 = 97
  static let channelRequest: UInt8 = 98
  static let channelSuccess: UInt8 = 99
  static let channelFailure: UInt8 = 100
}

/// Reason codes of DISCONNECT. RFC 4253, section 11.1
enum DisconnectReason: UInt32 {
  case protocolError = 2
  case serviceNotAvailable = 7
  case connectionLost = 10
  case byApplication = 11
}

/// Messages that a transport sends, beginning with the message number.
enum Message {
  private static func make(_ number: UInt8, _ write: (inout WireWriter) -> Void) -> [UInt8] {
    var writer = WireWriter()
    writer.byte(number)
    write(&writer)
    return writer.bytes
  }

  /// DISCONNECT. RFC 4253, section 11.1
  static func disconnect(_ reason: UInt32, _ text: String) -> [UInt8] {
    make(MessageNumber.disconnect) {
      $0.uint32(reason)
      $0.text(text)
      $0.text("")
    }
  }

  /// SERVICE_ACCEPT. RFC 4253, section 10
  static func serviceAccept(_ service: String) -> [UInt8] {
    make(MessageNumber.serviceAccept) { $0.text(service) }
  }

  /// USERAUTH_BANNER. RFC 4252, section 5.4
  static func banner(_ text: String) -> [UInt8] {
    make(MessageNumber.userauthBanner) {
      $0.text(text)
      $0.text("")
    }
  }

  /// USERAUTH_FAILURE. RFC 4252, section 5.1
  static func authenticationFailure(continuing: [String], partial: Bool) -> [UInt8] {
    make(MessageNumber.userauthFailure) {
      $0.nameList(continuing)
      $0.boolean(partial)
    }
  }

  /// USERAUTH_PK_OK. RFC 4252, section 7
  static func publicKeyOK(algorithm: [UInt8], key: [UInt8]) -> [UInt8] {
    make(MessageNumber.userauthPublicKeyOK) {
      $0.string(algorithm)
      $0.string(key)
    }
  }

  /// GLOBAL_REQUEST. RFC 4254, section 4
  static func globalRequest(_ name: String, wantsReply: Bool, _ payload: [UInt8] = []) -> [UInt8] {
    make(MessageNumber.globalRequest) {
      $0.text(name)
      $0.boolean(wantsReply)
      $0.raw(payload)
    }
  }

  /// REQUEST_SUCCESS. RFC 4254, section 4
  static func requestSuccess(_ payload: [UInt8] = []) -> [UInt8] {
    make(MessageNumber.requestSuccess) { $0.raw(payload) }
  }

  /// REQUEST_FAILURE. RFC 4254, section 4
  static let requestFailure = [MessageNumber.requestFailure]

  /// CHANNEL_OPEN_CONFIRMATION. RFC 4254, section 5.1
  static func openConfirmation(peer: UInt32, number: UInt32, window: UInt32, maximumPacket: UInt32) -> [UInt8] {
    make(MessageNumber.channelOpenConfirmation) {
      for value in [peer, number, window, maximumPacket] { $0.uint32(value) }
    }
  }

  /// CHANNEL_OPEN_FAILURE. RFC 4254, section 5.1
  static func openFailure(peer: UInt32, _ refusal: OpenRefusal, _ text: String) -> [UInt8] {
    make(MessageNumber.channelOpenFailure) {
      $0.uint32(peer)
      $0.uint32(refusal.rawValue)
      $0.text(text)
      $0.text("")
    }
  }

  /// CHANNEL_EOF, CHANNEL_CLOSE, CHANNEL_SUCCESS or CHANNEL_FAILURE: a message number and a channel.
  static func channel(_ number: UInt8, peer: UInt32) -> [UInt8] { make(number) { $0.uint32(peer) } }

  /// CHANNEL_DATA, or CHANNEL_EXTENDED_DATA for standard error. RFC 4254, section 5.2
  static func data(peer: UInt32, _ bytes: some Collection<UInt8>, asErrors: Bool) -> [UInt8] {
    make(asErrors ? MessageNumber.channelExtendedData : MessageNumber.channelData) {
      $0.uint32(peer)
      // SSH_EXTENDED_DATA_STDERR
      if asErrors { $0.uint32(1) }
      $0.string(bytes)
    }
  }

  /// CHANNEL_WINDOW_ADJUST. RFC 4254, section 5.2
  static func windowAdjust(peer: UInt32, by bytes: UInt32) -> [UInt8] {
    make(MessageNumber.channelWindowAdjust) {
      $0.uint32(peer)
      $0.uint32(bytes)
    }
  }

  /// CHANNEL_REQUEST that wants no reply. RFC 4254, section 5.4
  static func channelRequest(peer: UInt32, _ name: String, _ write: (inout WireWriter) -> Void) -> [UInt8] {
    make(MessageNumber.channelRequest) {
      $0.uint32(peer)
      $0.text(name)
      $0.boolean(false)
      write(&$0)
    }
  }
}
