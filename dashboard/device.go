package dashboard

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/fotspor/fotspor/site"
)

// deviceLength is how long a device is known after its last log-in.
const deviceLength = 180 * 24 * time.Hour

const deviceCookie = "fotspor_device"

// deviceCookieName has the prefix by which a browser takes the cookie over HTTPS only.
// The stricter one wants a path of "/".
func (c *call) deviceCookieName() string {
	if c.secure {
		return "__Secure-" + deviceCookie
	}
	return deviceCookie
}

// knowDevice gives the browser a cookie that lets this user try to log in while others
// guess the password. It is signed with the hash of the password, so it holds for one
// user and until the next password, and every process can check it. It says neither
// who the user is nor that somebody is logged in.
func (c *call) knowDevice(u site.User) {
	text := rand.Text() + "." + strconv.FormatInt(c.now.Unix(), 10)
	http.SetCookie(c.w, &http.Cookie{
		Name: c.deviceCookieName(), Value: text + "." + deviceMAC(u, text), Path: "/login", MaxAge: int(deviceLength / time.Second),
		HttpOnly: true, Secure: c.secure, SameSite: http.SameSiteStrictMode,
	})
}

func deviceMAC(u site.User, text string) string {
	mac := hmac.New(sha256.New, []byte(u.Password))
	mac.Write([]byte("fotspor device\x00" + u.Name + "\x00" + text))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// maxDevices is how many cookies of devices are looked at. A browser has several if
// another program of the host sets one under the same name.
const maxDevices = 5

// devices returns what the attempts of this device are counted by, for each cookie that
// says that it has logged in before as the user. A user that does not exist has none.
func (c *call) devices(u site.User) (all [][]counted) {
	cookies := c.r.CookiesNamed(c.deviceCookieName())
	for _, cookie := range cookies[:min(len(cookies), maxDevices)] {
		if by, ok := c.device(u, cookie.Value); ok {
			all = append(all, []counted{by})
		}
	}
	return all
}

func (c *call) device(u site.User, value string) (counted, bool) {
	parts := strings.Split(value, ".")
	if len(parts) != 3 {
		return counted{}, false
	}
	text := parts[0] + "." + parts[1]
	ok := hmac.Equal([]byte(parts[2]), []byte(deviceMAC(u, text))) && u.Password != ""
	seconds, err := strconv.ParseInt(parts[1], 10, 64)
	if age := c.now.Sub(time.Unix(seconds, 0)); err != nil || age < -time.Minute || age > deviceLength {
		ok = false
	}
	return countedBy(byDevice, text), ok
}
