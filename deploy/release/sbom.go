package main

import (
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// bill writes the bill of materials of a package, as CycloneDX 1.6. It has no serial
// number, which would have to be new each time.
func (r *release) bill(p *pack, path string) (err error) {
	bom := cdx.NewBOM()
	bom.SerialNumber = ""
	bom.Metadata = &cdx.Metadata{
		Timestamp: p.made.Format("2006-01-02T15:04:05Z"),
		Component: &cdx.Component{
			Type: cdx.ComponentTypeApplication, BOMRef: p.name, Name: p.name, Version: p.version,
			Description: strings.SplitN(p.description, "\n", 2)[0], Licenses: licenses(p.license),
		},
	}
	bom.Components = &p.components
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	return cdx.NewBOMEncoder(out, cdx.BOMFileFormatJSON).SetPretty(true).EncodeVersion(bom, cdx.SpecVersion1_6)
}

// modules returns what is linked into a program: the standard library and the modules that
// its file names, with their checksums of go.sum.
func modules(binary string) ([]cdx.Component, error) {
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return nil, fmt.Errorf("read what is linked into the program: %w", err)
	}
	found := []cdx.Component{{
		Type: cdx.ComponentTypeLibrary, BOMRef: "std", Name: "std", Version: info.GoVersion,
		PackageURL: "pkg:golang/std@" + strings.TrimPrefix(info.GoVersion, "go"),
	}}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		url := "pkg:golang/" + m.Path + "@" + m.Version
		found = append(found, cdx.Component{
			Type: cdx.ComponentTypeLibrary, BOMRef: url, Name: m.Path, Version: m.Version, PackageURL: url,
			Properties: &[]cdx.Property{{Name: "go:sum", Value: m.Sum}},
		})
	}
	return found, nil
}

// fileComponent returns a file of a package of npm as a component.
func fileComponent(path, module, version, license string) (c cdx.Component, err error) {
	sum, err := sha256File(path)
	if err != nil {
		return c, err
	}
	name := path[strings.LastIndexByte(path, '/')+1:]
	return cdx.Component{
		Type: cdx.ComponentTypeFile, BOMRef: name, Name: name, Version: version,
		PackageURL: "pkg:npm/" + strings.ReplaceAll(module, "@", "%40") + "@" + version + "#" + name,
		Licenses:   licenses(license), Hashes: &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: sum}},
	}, nil
}

func licenses(id string) *cdx.Licenses {
	return &cdx.Licenses{{License: &cdx.License{ID: id}}}
}

func sha256File(path string) (_ string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
