import CCurl
import Glibc
import IPC
import System

/// What libcurl says went wrong.
struct CurlError: Error, CustomStringConvertible {
  let code: CURLcode
  /// More about it than the code alone says, where libcurl knows more.
  let detail: String

  var description: String { detail.isEmpty ? String(cString: curl_easy_strerror(code)) : detail }
}

/// Owns one easy handle of libcurl: a request, or a connection. Not moved while libcurl works on it.
final class CurlHandle {
  let raw: UnsafeMutableRawPointer
  private let errorText: UnsafeMutablePointer<CChar>
  private var headers: UnsafeMutablePointer<curl_slist>?
  /// Called with what is received.
  private let sink: Sink
  private weak var loop: CurlLoop?

  /// Takes the bytes of answers.
  final class Sink {
    var header: ([UInt8]) -> Void = { _ in }
    var body: ([UInt8]) -> Void = { _ in }
  }

  init() throws(SystemError) {
    guard let raw = curl_easy_init() else { throw SystemError("libcurl", code: ENOMEM) }
    self.raw = raw
    errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
    errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    sink = Sink()
    ccurl_set_pointer(raw, CURLOPT_ERRORBUFFER, errorText)
    // No signals: the resolver has a thread of its own. No proxy of somebody's environment.
    set(CURLOPT_NOSIGNAL, 1)
    set(CURLOPT_PROXY, "")
    set(CURLOPT_TCP_KEEPALIVE, 1)
    set(CURLOPT_PROTOCOLS_STR, "http,https")
  }

  deinit {
    loop?.remove(self)
    curl_easy_cleanup(raw)
    curl_slist_free_all(headers)
    errorText.deallocate()
  }

  /// The version of libcurl: 0x075801 is 7.88.1.
  static var version: UInt32 { ccurl_version() }

  func set(_ option: CURLoption, _ value: Int) { ccurl_set_number(raw, option, value) }

  func set(_ option: CURLoption, _ value: String) { ccurl_set_text(raw, option, value) }

  /// The blobs are copied.
  func set(_ option: CURLoption, blob: [UInt8]) {
    blob.withUnsafeBytes { _ = ccurl_set_blob(raw, option, $0.baseAddress, $0.count) }
  }

  /// Headers of every request, `Name: value`.
  func setHeaders(_ lines: [String]) {
    for line in lines { headers = curl_slist_append(headers, line) }
    ccurl_set_pointer(raw, CURLOPT_HTTPHEADER, headers)
  }

  /// What is received goes to `header`, line by line, and to `body`.
  func receive(header: @escaping ([UInt8]) -> Void, body: @escaping ([UInt8]) -> Void) {
    (sink.header, sink.body) = (header, body)
    let context = Unmanaged.passUnretained(sink).toOpaque()
    ccurl_set_pointer(raw, CURLOPT_HEADERDATA, context)
    ccurl_set_sink(raw, CURLOPT_HEADERFUNCTION) { bytes, size, count, context in
      CurlHandle.sink(context).header(CurlHandle.array(bytes, size * count))
      return size * count
    }
    ccurl_set_pointer(raw, CURLOPT_WRITEDATA, context)
    ccurl_set_sink(raw, CURLOPT_WRITEFUNCTION) { bytes, size, count, context in
      CurlHandle.sink(context).body(CurlHandle.array(bytes, size * count))
      return size * count
    }
  }

  private static func sink(_ context: UnsafeMutableRawPointer?) -> Sink {
    Unmanaged<Sink>.fromOpaque(context!).takeUnretainedValue()
  }

  private static func array(_ bytes: UnsafeMutablePointer<CChar>?, _ count: Int) -> [UInt8] {
    UnsafeRawBufferPointer(start: bytes, count: bytes == nil ? 0 : count).map { $0 }
  }

  /// What the next request sends; libcurl copies it.
  func setBody(_ bytes: [UInt8]) {
    ccurl_set_size(raw, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(bytes.count))
    bytes.withUnsafeBytes {
      _ = ccurl_set_pointer(raw, CURLOPT_COPYPOSTFIELDS, UnsafeMutableRawPointer(mutating: $0.baseAddress))
    }
  }

  /// How the other side is known, and how it knows us.
  func set(_ tls: TLSSettings) {
    set(CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2)
    set(CURLOPT_SSL_VERIFYPEER, tls.verifies ? 1 : 0)
    set(CURLOPT_SSL_VERIFYHOST, tls.verifies ? 2 : 0)
    if let authorities = tls.authorities { set(CURLOPT_CAINFO_BLOB, blob: authorities) }
    if let certificate = tls.certificate { set(CURLOPT_SSLCERT_BLOB, blob: certificate) }
    if let key = tls.key { key.lend { set(CURLOPT_SSLKEY_BLOB, blob: $0) } }
  }

  /// The code of HTTP of the last answer.
  var status: Int {
    var code = 0
    ccurl_get_number(raw, CURLINFO_RESPONSE_CODE, &code)
    return code
  }

  /// The socket of a connection that was made alone (CURLOPT_CONNECT_ONLY); libcurl keeps it.
  var socket: Int32? {
    var socket: curl_socket_t = -1
    return ccurl_get_socket(raw, &socket) == CURLE_OK && socket >= 0 ? socket : nil
  }

  func error(_ code: CURLcode) -> CurlError { CurlError(code: code, detail: String(cString: errorText)) }

  // MARK: A connection

  /// Sends what the connection takes now; nil: nothing now.
  func send(_ bytes: ArraySlice<UInt8>) throws(CurlError) -> Int? {
    var sent = 0
    let code = bytes.withUnsafeBytes { curl_easy_send(raw, $0.baseAddress, $0.count, &sent) }
    switch code {
    case CURLE_OK: return sent
    case CURLE_AGAIN: return nil
    default: throw error(code)
    }
  }

  /// What has come; empty at the end, nil: nothing now.
  func receive() throws(CurlError) -> [UInt8]? {
    var received = 0
    var code = CURLE_OK
    let bytes = [UInt8](unsafeUninitializedCapacity: 4096) { buffer, filled in
      code = curl_easy_recv(raw, buffer.baseAddress, buffer.count, &received)
      filled = code == CURLE_OK ? received : 0
    }
    switch code {
    case CURLE_OK: return bytes
    case CURLE_AGAIN: return nil
    default: throw error(code)
    }
  }

  fileprivate func entered(_ loop: CurlLoop?) { self.loop = loop }
}

/// Waits for requests, connections and other descriptors: libcurl's multi interface.
final class CurlLoop {
  /// A descriptor to wait for beside those of libcurl.
  struct Wait {
    let descriptor: Int32
    var reads = true
    var writes = false
  }

  private let raw: UnsafeMutableRawPointer
  private var done: [UnsafeMutableRawPointer: CURLcode] = [:]

  init() throws(SystemError) {
    guard curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK, let raw = curl_multi_init() else {
      throw SystemError("libcurl", code: ENOMEM)
    }
    self.raw = raw
  }

  deinit { curl_multi_cleanup(raw) }

  /// Starts what the handle is for; ``result(of:)`` says when it is over.
  func start(_ handle: CurlHandle) {
    remove(handle)
    handle.entered(self)
    curl_multi_add_handle(raw, handle.raw)
  }

  /// Ends it, wherever it is; the connection of a request is kept for the next.
  func remove(_ handle: CurlHandle) {
    done[handle.raw] = nil
    handle.entered(nil)
    curl_multi_remove_handle(raw, handle.raw)
  }

  /// What it came to, once: nil as long as it is not over.
  func result(of handle: CurlHandle) -> CURLcode? { done.removeValue(forKey: handle.raw) }

  /// Lets libcurl do what it can do now.
  func work() {
    var running: Int32 = 0
    curl_multi_perform(raw, &running)
    var left: Int32 = 0
    while let message = curl_multi_info_read(raw, &left) {
      var code = CURLE_OK
      if ccurl_finished(message, &code) != 0, let handle = message.pointee.easy_handle { done[handle] = code }
    }
  }

  /// Waits until something is ready, or so many milliseconds.
  func wait(_ waits: [Wait], milliseconds: Int64) {
    var descriptors = waits.map { wait in
      curl_waitfd(
        fd: wait.descriptor,
        events: Int16(wait.reads ? CURL_WAIT_POLLIN : 0) | Int16(wait.writes ? CURL_WAIT_POLLOUT : 0), revents: 0)
    }
    var ready: Int32 = 0
    curl_multi_poll(raw, &descriptors, UInt32(descriptors.count), Int32(clamping: milliseconds), &ready)
  }
}
