# How one knows: alarms that tell someone, and a page to look at.
