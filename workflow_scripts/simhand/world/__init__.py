"""The rendered world: articulated hands, people, motion, cameras, videos and labelled images."""
