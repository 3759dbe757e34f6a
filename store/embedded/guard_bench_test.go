package embedded_test

import (
	"net/http/httptest"
	"strings"
	"testing"
)

// BenchmarkStatement is what one statement takes in the process and through a door.
func BenchmarkStatement(b *testing.B) {
	e := open(b)
	const sql = "SELECT sum(number) FROM numbers(10)"
	b.Run("process", func(b *testing.B) {
		for b.Loop() {
			mustAnswer(b, e, "", sql)
		}
	})
	b.Run("door", func(b *testing.B) {
		for b.Loop() {
			w := httptest.NewRecorder()
			e.ServeHTTP(w, httptest.NewRequest("POST", "http://localhost/", strings.NewReader(sql)))
			if w.Code != 200 {
				b.Fatal(w.Body)
			}
		}
	})
}
