package spool

// File lets tests stand in for the file of a segment.
type File = file

// WrapFiles makes s use wrap(f) in place of every file f that it creates from now on.
func WrapFiles(s *Spool, wrap func(File) File) {
	create := s.create
	s.create = func(path string) (file, error) {
		f, err := create(path)
		if err != nil {
			return nil, err
		}
		return wrap(f), nil
	}
}
