/// The entry point that libFuzzer calls with each input; `fuzz` is the harness that this file is compiled with.
@_cdecl("LLVMFuzzerTestOneInput")
public func entry(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  unsafe fuzz(Array(UnsafeBufferPointer(start: start, count: count)))
  return 0
}
