import Authentication
import Wire

/// Key and signature blobs, and hashes: what is parsed is written back unchanged.
func fuzz(_ bytes: [UInt8]) {
  if let key = try? PublicKey(blob: bytes[...]) {
    precondition(PublicKey(key.material).blob == bytes)
    precondition((try? PublicKey(text: Array(key.text.utf8)[...])) == key)
  }
  if let signature = try? SignatureBlob(bytes[...]) { precondition(signature.wireBytes == bytes) }
  if let numbers = try? ECDSASignature(bytes[...]) { precondition(numbers.wireBytes == bytes) }
  if let decoded = Base64.decode(bytes) { precondition(Base64.encode(decoded) == bytes) }
  if let text = String(validating: bytes, as: UTF8.self), case .argon2id(let entry)? = try? PasswordEntry(text) {
    precondition(entry.text.utf8.elementsEqual(bytes))
  }
}
