package top

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/scurrycache/scurry/internal/admin"
)

// maxEvent bounds an event, in bytes.
const maxEvent = 4 << 20

// Events reads server-sent events until r ends or take returns an error, and calls take with the
// Stats in each that is named stats.
func Events(r io.Reader, take func(*admin.Stats) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxEvent)
	name, data := "", ""
	for lines.Scan() {
		field, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case field == "event":
			name = value
		case field == "data":
			data += value
		case lines.Text() == "":
			if name == "stats" {
				stats := &admin.Stats{}
				if err := json.Unmarshal([]byte(data), stats); err != nil {
					return fmt.Errorf("an event can't be read: %w", err)
				}
				if err := take(stats); err != nil {
					return err
				}
			}
			name, data = "", ""
		}
	}
	return lines.Err()
}
