import CCurl
import Glibc
import IPC
import System

/// An error of libcurl.
struct CurlError: Error, CustomStringConvertible {
  let code: CURLcode
  /// A description more specific than the code; empty if libcurl has none.
  let detail: String

  var description: String { detail.isEmpty ? String(cString: curl_easy_strerror(code)) : detail }
}

/// Owns one easy handle of libcurl, for requests or for a connection. libcurl keeps pointers to it, so it must not
/// move.
final class CurlHandle {
  let raw: UnsafeMutableRawPointer
  private let errorText: UnsafeMutablePointer<CChar>
  private var headers: UnsafeMutablePointer<curl_slist>?
  /// Receives headers and bodies.
  private let sink: Sink
  private weak var loop: CurlLoop?

  /// The receivers of response data, at a stable address.
  final class Sink {
    var header: ([UInt8]) -> Void = { _ in }
    var body: ([UInt8]) -> Void = { _ in }
  }

  /// A handle without a URL.
  ///
  /// - Throws: `SystemError` with ENOMEM if libcurl has no memory.
  init() throws(SystemError) {
    guard let raw = curl_easy_init() else { throw SystemError("libcurl", code: ENOMEM) }
    self.raw = raw
    errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
    errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    sink = Sink()
    ccurl_set_pointer(raw, CURLOPT_ERRORBUFFER, errorText)
    // No signals, because the resolver uses a thread. No proxy from environment variables.
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

  /// Sets a numeric option. curl_easy_setopt(3)
  func set(_ option: CURLoption, _ value: Int) { ccurl_set_number(raw, option, value) }

  /// Sets a string option.
  func set(_ option: CURLoption, _ value: String) { ccurl_set_text(raw, option, value) }

  /// Sets a blob option. libcurl copies the bytes.
  func set(_ option: CURLoption, blob: [UInt8]) {
    blob.withUnsafeBytes { _ = ccurl_set_blob(raw, option, $0.baseAddress, $0.count) }
  }

  /// Adds headers to every request, each as `Name: value`.
  func setHeaders(_ lines: [String]) {
    for line in lines { headers = curl_slist_append(headers, line) }
    ccurl_set_pointer(raw, CURLOPT_HTTPHEADER, headers)
  }

  /// Sets the receivers of headers, which are called per line, and of the body.
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

  /// Sets the body of the next request. libcurl copies it.
  func setBody(_ bytes: [UInt8]) {
    ccurl_set_size(raw, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(bytes.count))
    bytes.withUnsafeBytes {
      _ = ccurl_set_pointer(raw, CURLOPT_COPYPOSTFIELDS, UnsafeMutableRawPointer(mutating: $0.baseAddress))
    }
  }

  /// Sets how the peer is verified, and our own certificate.
  func set(_ tls: TLSSettings) {
    set(CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2)
    set(CURLOPT_SSL_VERIFYPEER, tls.verifies ? 1 : 0)
    set(CURLOPT_SSL_VERIFYHOST, tls.verifies ? 2 : 0)
    if let authorities = tls.authorities { set(CURLOPT_CAINFO_BLOB, blob: authorities) }
    if let certificate = tls.certificate { set(CURLOPT_SSLCERT_BLOB, blob: certificate) }
    if let key = tls.key { key.lend { set(CURLOPT_SSLKEY_BLOB, blob: $0) } }
  }

  /// The HTTP status code of the last response.
  var status: Int {
    var code = 0
    ccurl_get_number(raw, CURLINFO_RESPONSE_CODE, &code)
    return code
  }

  /// The socket of a connection made with CURLOPT_CONNECT_ONLY; libcurl owns it.
  var socket: Int32? {
    var socket: curl_socket_t = -1
    return ccurl_get_socket(raw, &socket) == CURLE_OK && socket >= 0 ? socket : nil
  }

  /// The error with this code and the last error text.
  func error(_ code: CURLcode) -> CurlError { CurlError(code: code, detail: String(cString: errorText)) }

  // MARK: Connections

  /// Sends as much as the connection accepts; nil if it would block.
  ///
  /// - Throws: `CurlError` if the connection has failed.
  func send(_ bytes: ArraySlice<UInt8>) throws(CurlError) -> Int? {
    var sent = 0
    let code = bytes.withUnsafeBytes { curl_easy_send(raw, $0.baseAddress, $0.count, &sent) }
    switch code {
    case CURLE_OK: return sent
    case CURLE_AGAIN: return nil
    default: throw error(code)
    }
  }

  /// Receives available bytes: empty at the end of the stream, nil if it would block.
  ///
  /// - Throws: `CurlError` if the connection has failed.
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

/// Waits for requests, connections and other descriptors. libcurl-multi(3)
final class CurlLoop {
  /// A descriptor to wait for besides those of libcurl.
  struct Wait {
    let descriptor: Int32
    var reads = true
    var writes = false
  }

  private let raw: UnsafeMutableRawPointer
  private var done: [UnsafeMutableRawPointer: CURLcode] = [:]

  /// An empty loop.
  ///
  /// - Throws: `SystemError` with ENOMEM if libcurl has no memory.
  init() throws(SystemError) {
    guard curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK, let raw = curl_multi_init() else {
      throw SystemError("libcurl", code: ENOMEM)
    }
    self.raw = raw
  }

  deinit { curl_multi_cleanup(raw) }

  /// Starts the transfer of `handle`; ``result(of:)`` returns its result when it has ended.
  func start(_ handle: CurlHandle) {
    remove(handle)
    handle.entered(self)
    curl_multi_add_handle(raw, handle.raw)
  }

  /// Aborts the transfer in any state. libcurl keeps the connection of a completed request for the next one.
  func remove(_ handle: CurlHandle) {
    done[handle.raw] = nil
    handle.entered(nil)
    curl_multi_remove_handle(raw, handle.raw)
  }

  /// The result of a transfer, returned once; nil while it has not ended.
  func result(of handle: CurlHandle) -> CURLcode? { done.removeValue(forKey: handle.raw) }

  /// Lets libcurl do all work that is possible without blocking.
  func work() {
    var running: Int32 = 0
    curl_multi_perform(raw, &running)
    var left: Int32 = 0
    while let message = curl_multi_info_read(raw, &left) {
      var code = CURLE_OK
      if ccurl_finished(message, &code) != 0, let handle = message.pointee.easy_handle { done[handle] = code }
    }
  }

  /// Waits until a descriptor is ready, or until the time has passed. curl_multi_poll(3)
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
