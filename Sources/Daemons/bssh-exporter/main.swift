import Glibc
import System

// bssh-exporter: sends the events of the journal to one receiver. Started by bssh-supervisor, which is at the other end
// of descriptors 3 (from it) and 4 (to it). Descriptor 5 is sealed memory with the settings, 6 the directory of the
// journal.
ThisProcess.setName("bssh-exporter")
exit(ExporterProcess.run(settings: 5, directory: 6).rawValue)
