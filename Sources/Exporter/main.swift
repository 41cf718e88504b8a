import Glibc

// bssh-exporter: sends the events of the journal to one receiver. Started by bssh-supervisor, which is at the other end of
// descriptor 3; descriptor 4 is sealed memory with the settings.
exit(ExporterProcess.run(supervisor: 3, settings: 4).rawValue)
